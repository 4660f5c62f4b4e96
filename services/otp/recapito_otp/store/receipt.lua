-- Notes what a provider says of a code's arrival. KEYS: challenge. ARGV: generation, delivery, reason, now. Gives 1: it was news.
return note_delivery(KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]))
