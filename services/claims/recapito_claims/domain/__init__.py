"""What a claim is and what it needs: no grpc, no SQL, no clock."""
