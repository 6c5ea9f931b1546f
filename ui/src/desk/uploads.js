// Files: sent at once with their progress, listed, and taken off the list again; the form carries only their ids.
import { hold } from "./pending.js";
import { csrfHeaders } from "./token.js";

export function attachUploads(box) {
  if (box.dataset.attached) return;
  box.dataset.attached = "yes";
  const input = box.querySelector('input[type="file"]');
  const list = box.parentElement.querySelector("[data-files]");
  const name = box.dataset.upload;

  input.addEventListener("change", () => {
    for (const file of input.files) addFile(file);
    input.value = "";
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    box.addEventListener(kind, (event) => {
      event.preventDefault();
      box.classList.toggle("over", kind === "dragover");
      if (kind === "drop") for (const file of event.dataTransfer.files) addFile(file);
    });
  }
  // A picture that WeChat has already: our server fetches it from there.
  box.addEventListener("wechat:picture", (event) => {
    const form = new FormData();
    form.append("media_id", event.detail);
    add({ name: "微信图片", size: 0 }, box.dataset.wechat, form);
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove]");
    if (!button) return;
    button.closest("li").remove();
    input.focus();
    list.dispatchEvent(new CustomEvent("draft:changed", { bubbles: true }));
  });

  function addFile(file) {
    const form = new FormData();
    form.append("file", file);
    add(file, box.dataset.address, form);
  }

  function add(file, address, form) {
    const most = Number(box.dataset.mostBytes);
    const item = document.createElement("li");
    item.className = "file";
    item.append(part("span", "name", file.name));
    list.append(item);
    if (most && file.size > most) {
      fail(item, `文件太大，最多 ${Math.floor(most / 1048576)} MB。`);
      return;
    }
    const bar = part("progress", "");
    bar.max = 100;
    bar.value = 0;
    bar.setAttribute("aria-label", `正在上传 ${file.name}`);
    item.append(bar);
    const sent = upload(address, form, bar);
    hold(box.closest("form"), sent);
    sent.then(
      (stored) => show(item, bar, stored),
      (problem) => { bar.remove(); fail(item, problem.message); },
    );
  }

  function show(item, bar, stored) {
    bar.remove();
    if (!input.multiple) for (const other of [...list.children]) if (other !== item) other.remove();
    const hidden = part("input", "");
    hidden.type = "hidden";
    hidden.name = name;
    hidden.value = stored.id;
    if (stored.pages) item.prepend(thumbnail(stored.id));
    item.append(part("span", "small soft", `${readableSize(stored.size)}，已上传`), hidden, removal(stored.name));
    if (stored.hint) item.append(part("span", "hint small", stored.hint));
    item.setAttribute("aria-live", "polite");
    item.dispatchEvent(new CustomEvent("draft:changed", { bubbles: true }));
  }

  function thumbnail(id) {
    const picture = part("img", "kind");
    picture.src = `${box.dataset.files}/${id}/small`;
    picture.alt = "";
    return picture;
  }

  function fail(item, words) {
    item.classList.add("failed");
    const told = part("span", "small", words);
    told.setAttribute("role", "alert"); // not the item itself: a list holds nothing but items
    item.append(told, removal(item.querySelector(".name").textContent));
  }

  function upload(address, form, bar) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", address);
      for (const [header, value] of Object.entries(csrfHeaders())) request.setRequestHeader(header, value);
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
      });
      request.addEventListener("load", () => {
        const body = readBody(request.responseText);
        if (request.status < 300 && body.id) resolve(body);
        else reject(new Error(body.detail ?? "没有上传成功，请重试。"));
      });
      request.addEventListener("error", () => reject(new Error("没有上传成功，请检查网络后重试。")));
      request.send(form);
    });
  }
}

function removal(name) {
  const button = part("button", "button text", "移除");
  button.type = "button";
  button.dataset.remove = "";
  button.setAttribute("aria-label", `移除 ${name}`);
  return button;
}

function part(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  if (text) element.textContent = text;
  return element;
}

function readBody(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function readableSize(bytes) {
  return bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}
