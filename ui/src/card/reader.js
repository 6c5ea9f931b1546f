// One reader on a page: its state in a sentence, kept fresh while somebody looks; one button, which works again at once after
// whatever went wrong.
import { csrfHeaders } from "../desk/token.js";
import { AgentRefusal, readStatus, sign } from "./agent.js";

const AGAIN_MS = 2000;
const READY = new Set(["ready", "final_try"]);
const TOLD = {
  no_driver: "读卡程序没有找到卡的驱动程序，请联系本单位的电脑管理人员。",
  no_reader: "没有找到读卡器。请插好读卡器或 IKey。",
  no_card: "读卡程序已就绪，请插入法人卡或操作员卡。",
  ready: "卡已就绪。",
  final_try: "卡已就绪。注意：卡密码只剩最后一次机会，再输错卡就会锁死。没有把握的，请先问清密码。",
  locked: "卡密码输错次数过多，卡已经锁死。请到电子口岸制卡中心解锁。",
  busy: "读卡程序正在处理另一次读卡，请先完成或取消那个窗口。",
};

export function attachReader(root) {
  const { agent, purpose, origin } = root.dataset;
  const line = root.querySelector("[data-reader-state]");
  const trouble = root.querySelector("[data-reader-trouble]");
  const button = root.querySelector("[data-reader-button]");
  const form = root.querySelector("[data-reader-form]");
  const help = root.querySelector("[data-reader-help]");
  const label = button.textContent;
  let reading = false;
  let found = false;

  if (origin !== location.origin) {
    show("wait", `请用 ${origin} 打开本系统再读卡：卡只对这个网址签名。`);
    return;
  }

  async function look() {
    if (!reading && document.visibilityState === "visible") {
      try {
        const status = await readStatus(agent);
        found = true;
        if (!reading) showStatus(status);
      } catch (refusal) {
        if (!reading) {
          show("wait", refusal.message);
          button.disabled = true;
          if (!found && help) help.open = true;
        }
      }
    }
    setTimeout(look, AGAIN_MS);
  }

  function showStatus({ state, message, cards }) {
    const names = (cards ?? []).map((card) => card.label).filter(Boolean);
    const which = state === "ready" && names.length ? `卡已就绪：${names.join("、")}。` : "";
    show(READY.has(state) ? (state === "ready" ? "ready" : "wait") : "wait", which || TOLD[state] || message || "读卡程序暂时不能用。");
    button.disabled = !READY.has(state);
    if (help && READY.has(state)) help.open = false;
  }

  function show(level, sentence) {
    line.dataset.level = level;
    if (line.textContent !== sentence) line.textContent = sentence; // said again only when it changes
  }

  button.addEventListener("click", async () => {
    if (reading) return;
    reading = true;
    trouble.hidden = true;
    button.disabled = true;
    button.textContent = button.dataset.waiting;
    show("wait", "读卡程序的窗口已经打开，请在里面输入卡密码。看不到的，可能在浏览器后面，请看任务栏。");
    try {
      const { challenge, nonce } = await askServer(purpose);
      const token = await sign(agent, nonce, purpose);
      form.elements.challenge.value = challenge;
      form.elements.token.value = JSON.stringify(token);
      show("ready", "已读到卡，正在核对…");
      form.submit();
      return; // the page goes; Back brings it as it was
    } catch (refusal) {
      if (!(refusal instanceof AgentRefusal)) throw refusal;
      trouble.textContent = refusal.message;
      trouble.hidden = false;
      button.textContent = refusal.code === "pin_locked" ? label : `重试：${label}`;
      button.disabled = false;
      show("wait", "没有读成。");
      button.focus();
    } finally {
      reading = false;
    }
  });

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      reading = false;
      button.textContent = label;
    }
  });
  look();
}

async function askServer(purpose) {
  let answer;
  try {
    answer = await fetch("/api/v1/card/challenge", {
      method: "POST",
      headers: { ...csrfHeaders(), "Content-Type": "application/json" },
      body: JSON.stringify({ purpose }),
    });
  } catch {
    throw new AgentRefusal("offline", "没有连上服务器，请检查网络后重试。");
  }
  const told = await answer.json();
  if (!answer.ok) throw new AgentRefusal("server", told.detail ?? "服务器没有接受这次读卡，请刷新本页后重试。");
  return told;
}
