// The agent's HTTP interface, and what is the matter when it cannot be reached.

const STATUS_WAIT_MS = 4000;
const SIGN_WAIT_MS = 180000; // somebody looks for the PIN

// A refusal of the agent's: its code, and its sentence as people read it.
export class AgentRefusal extends Error {
  constructor(code, message, tries) {
    super(message);
    this.code = code;
    this.tries = tries;
  }
}

export async function readStatus(agent) {
  return ask(`${agent}/status`, { method: "GET" }, STATUS_WAIT_MS);
}

export async function sign(agent, nonce, purpose) {
  const body = JSON.stringify({ nonce, purpose, certificate: null });
  const headers = { "Content-Type": "application/json" };
  return ask(`${agent}/sign`, { method: "POST", headers, body }, SIGN_WAIT_MS);
}

async function ask(address, options, waitMs) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), waitMs);
  try {
    const answer = await fetch(address, { ...options, signal: stop.signal, credentials: "omit", cache: "no-store" });
    const told = await answer.json();
    if (!answer.ok) throw new AgentRefusal(told.code ?? "failed", told.message ?? "读卡程序没有完成这次操作。", told.tries);
    return told;
  } catch (error) {
    if (error instanceof AgentRefusal) throw error;
    throw new AgentRefusal("unreachable", await tellUnreachable(error));
  } finally {
    clearTimeout(timer);
  }
}

async function tellUnreachable(error) {
  if (error.name === "AbortError") return "读卡程序没有回应。请退出读卡程序再重新打开，然后重试。";
  const isLoopback = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  if (location.protocol === "http:" && !isLoopback) {
    return "本页不是以 https 打开的，浏览器不允许它使用本机的读卡程序。请用以 https:// 开头的网址打开本系统。";
  }
  if (await isForbidden()) {
    return "浏览器已阻止本网站访问本机的读卡程序。请点地址栏左边的图标，在“网站设置”里把“本地网络访问”（或“访问此设备上的应用”）改为允许，再刷新本页。";
  }
  return "没有找到读卡程序。请确认这台电脑已经安装并打开了读卡程序；浏览器询问是否允许访问本地网络时，请选“允许”。";
}

// Chromium has called this permission by several names; a browser that knows none of them has none.
async function isForbidden() {
  for (const name of ["local-network-access", "loopback-network", "local-network"]) {
    try {
      if ((await navigator.permissions.query({ name })).state === "denied") return true;
    } catch {
      continue; // no such permission here
    }
  }
  return false;
}
