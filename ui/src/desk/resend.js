// "Send again" waits out its seconds in sight; the server counts for itself.
export function attachResend(button) {
  if (button.dataset.attached) return;
  button.dataset.attached = "yes";
  const usual = button.textContent;
  const waiting = button.dataset.waiting ?? "后可重新获取";
  const ends = Date.now() + Number(button.dataset.resend) * 1000;
  const show = () => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${inWords(left)}${waiting}` : usual;
    if (left > 0) setTimeout(show, 500);
  };
  show();
}

// As the server tells a time to wait.
function inWords(seconds) {
  if (seconds < 120) return `${seconds} 秒`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} 分钟` : `${Math.ceil(seconds / 3600)} 小时`;
}
