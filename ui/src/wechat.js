// In WeChat: a second way to add a picture, by WeChat's own album and camera. Loaded only there, after WeChat's script; when
// anything of it fails there is no such button, and the plain file field does it.
const boxes = [...document.querySelectorAll("[data-wechat]")];
const signature = document.querySelector('meta[name="wechat-signature"]')?.content;

async function start() {
  const page = encodeURIComponent(location.href.split("#")[0]);
  const answer = await fetch(`${signature}?url=${page}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const wx = window.wx;
  let works = true;
  wx.error(() => { works = false; });
  wx.ready(() => { if (works) for (const box of boxes) offer(wx, box); });
  wx.config({ ...(await answer.json()), debug: false, jsApiList: ["chooseImage", "uploadImage"] });
}

function offer(wx, box) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button quiet";
  button.textContent = "拍照或从相册选图";
  button.addEventListener("click", () => {
    const most = box.querySelector('input[type="file"]').multiple ? 9 : 1;
    wx.chooseImage({ count: most, success: (chosen) => send(wx, box, [...chosen.localIds]) });
  });
  box.prepend(button);
}

// One after the other: WeChat takes no two at once.
function send(wx, box, ids) {
  const localId = ids.shift();
  if (localId === undefined) return;
  const next = () => send(wx, box, ids);
  wx.uploadImage({
    localId,
    isShowProgressTips: 1,
    success: ({ serverId }) => {
      box.dispatchEvent(new CustomEvent("wechat:picture", { detail: serverId }));
      next();
    },
    fail: next,
  });
}

if (boxes.length && signature && window.wx) start().catch(() => {});
