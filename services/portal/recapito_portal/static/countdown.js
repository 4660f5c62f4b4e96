// Counts the seconds until another code may be asked for. Without it the page says the time that it was when it was loaded.
for (const line of document.querySelectorAll("[data-countdown]")) {
  const end = performance.now() + Number(line.dataset.countdown) * 1000;
  const show = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      line.textContent = line.dataset.ready;
      clearInterval(timer);
      return;
    }
    const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    line.textContent = line.dataset.waiting.replace("{time}", time);
  };
  const timer = setInterval(show, 1000);
  show();
}
