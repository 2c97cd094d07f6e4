// 守田 Farmland: the little that pages cannot do without a script. Everything is driven by data- attributes:
//   data-menu            on <details>: closes on Escape, on a click elsewhere, and when another opens
//   data-confirm="…"     on a form, button or hx- element: asks first, with this sentence
//   data-upload          on a form with a file: size check (data-max-bytes), progress, no second sending
//   data-autosubmit      on a form: sends itself when a select or checkbox changes
//   data-keys            on a table: ↑ ↓ move between rows, between the same controls
//   data-bulk            around a table and its .bulk bar: counts and adds up what is picked; the bar, and what is
//                        data-picked-only, is shown while something is
//   data-dismiss, data-print, data-copy="…"   on a button
// Without a script every page still works: forms post, menus open, tables are read.

const page = document;
const csrf = page.querySelector('meta[name="csrf-token"]')?.content ?? "";

/* Messages ------------------------------------------------------------------------------------------------ */
function toast(text) {
  const box = page.getElementById("toasts");
  if (!box) return;
  const line = page.createElement("p");
  line.className = "toast toast--error";
  const words = page.createElement("span");
  words.textContent = text;
  const close = page.createElement("button");
  close.type = "button";
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", "关闭提示");
  close.textContent = "×";
  line.append(words, close);
  box.replaceChildren(line);
}

/* Confirm: our own dialog, or the browser's question where there is no <dialog> ----------------------------- */
function ask(question) {
  const dialog = page.getElementById("confirm");
  if (!dialog || typeof dialog.showModal !== "function") return Promise.resolve(window.confirm(question));
  page.getElementById("confirm-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

const agreed = new WeakSet();
page.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || agreed.has(form) || isHtmx(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  ask(question).then((yes) => {
    if (!yes) return;
    agreed.add(form);
    if (submitter && submitter.form === form) form.requestSubmit(submitter);
    else form.requestSubmit();
    agreed.delete(form);
  });
}, true);

function isHtmx(element) {
  return element.matches("[hx-get],[hx-post],[hx-put],[hx-patch],[hx-delete]");
}

page.addEventListener("htmx:confirm", (event) => {
  const submitter = event.detail.triggeringEvent?.submitter;
  const question = submitter?.dataset?.confirm ?? event.detail.elt.dataset.confirm ?? event.detail.question;
  if (!question) return;
  event.preventDefault();
  ask(question).then((yes) => yes && event.detail.issueRequest(true));
});

/* Signing out takes the pages a phone keeps with it; photos and reports that wait stay */
page.addEventListener("submit", (event) => {
  if (event.target.matches("[data-logout]")) window.caches?.delete("farmland-phone");
});

/* htmx: the token, and what to say when no answer comes ----------------------------------------------------- */
page.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = csrf;
});
page.addEventListener("htmx:sendError", () => toast("网络不通，没有提交。请检查网络后再试。"));
page.addEventListener("htmx:timeout", () => toast("服务器没有及时回应，请稍后刷新页面核对。"));
page.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  const known = {
    403: "没有权限，或登录已过期，请重新登录。",
    404: "找不到，可能已被删除或不在您的范围内。",
    413: "文件太大，没有上传。",
    429: "操作太频繁，请稍后再试。",
  };
  toast(known[status] ?? `服务器出错（${status}），没有保存，请稍后再试。`);
});

/* Menus ----------------------------------------------------------------------------------------------------- */
function closeMenus(except) {
  page.querySelectorAll("details[data-menu][open]").forEach((menu) => {
    if (menu !== except) menu.open = false;
  });
}
page.addEventListener("click", (event) => closeMenus(event.target.closest?.("details[data-menu]")));
page.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = page.activeElement?.closest?.("details[data-menu][open]");
  closeMenus();
  menu?.querySelector("summary").focus();
});

/* Buttons that need no server -------------------------------------------------------------------------------- */
page.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-dismiss],[data-print],[data-copy]");
  if (!button) return;
  if ("dismiss" in button.dataset) button.closest(".toast, [data-dismissable]")?.remove();
  if ("print" in button.dataset) window.print();
  if ("copy" in button.dataset) navigator.clipboard?.writeText(button.dataset.copy);
});

/* Forms ------------------------------------------------------------------------------------------------------ */
page.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form && "autosubmit" in form.dataset && event.target.matches("select, [type=checkbox], [type=radio]")) {
    form.requestSubmit();
  }
});

const megabytes = (bytes) => (bytes / 1048576).toFixed(1);

page.addEventListener("change", (event) => {
  const input = event.target;
  const form = input.form;
  if (input.type !== "file" || !form || !("upload" in form.dataset)) return;
  const limit = Number(form.dataset.maxBytes || 0);
  const large = [...input.files].find((file) => limit && file.size > limit);
  input.setCustomValidity(
    large ? `文件“${large.name}”有 ${megabytes(large.size)} MB，超过 ${megabytes(limit)} MB，请另选文件。` : "",
  );
  const name = form.querySelector("[data-file-name]");
  if (name) name.textContent = [...input.files].map((file) => file.name).join("、");
  if (large) input.reportValidity();
});

page.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("upload" in form.dataset) || event.defaultPrevented) return;
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  form.setAttribute("aria-busy", "true");
  const status = form.querySelector("[data-upload-status]");
  if (status) status.textContent = "正在上传，请不要关闭页面。";
});
page.addEventListener("htmx:xhr:progress", (event) => {
  const form = event.target.closest?.("form[data-upload]");
  const status = form?.querySelector("[data-upload-status]");
  if (!status || !event.detail.lengthComputable) return;
  const percent = Math.floor((event.detail.loaded * 100) / event.detail.total);
  status.textContent = percent < 100 ? `已上传 ${percent}%` : "已收到，正在核对。";
  form.querySelector("[data-upload-bar]")?.setAttribute("width", `${percent}%`);
});
page.addEventListener("htmx:afterRequest", (event) => {
  event.target.closest?.("form[data-upload]")?.removeAttribute("aria-busy");
});
window.addEventListener("pageshow", () => {
  page.querySelectorAll("form[data-upload][aria-busy]").forEach((form) => form.removeAttribute("aria-busy"));
});

/* Tables ----------------------------------------------------------------------------------------------------- */
page.addEventListener("keydown", (event) => {
  const table = event.target.closest?.("table[data-keys]");
  const row = event.target.closest?.("tbody tr");
  if (!table || !row || event.target.matches("input:not([type=checkbox]), select, textarea")) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  const next = rows[rows.indexOf(row) + step];
  const kind = event.target.type === "checkbox" ? "input[type=checkbox]" : "a, button";
  const goal = next?.querySelector(kind) ?? next?.querySelector("a, button, input");
  if (!goal) return;
  event.preventDefault();
  goal.focus();
});

// Areas are added as whole ten-thousandths: 0.1 + 0.2 must read 0.30.
const units = (text) => {
  const [whole, part = ""] = String(text || "0").replace("−", "-").split(".");
  const amount = BigInt(whole.replace("-", "") || "0") * 10000n + BigInt(part.padEnd(4, "0").slice(0, 4));
  return whole.startsWith("-") ? -amount : amount;
};
const shown = (amount) => {
  const cents = (amount < 0n ? -amount : amount) + 50n;
  const text = `${cents / 10000n}.${String((cents % 10000n) / 100n).padStart(2, "0")}`;
  return amount < 0n ? `−${text}` : text;
};

function tellBulk(box) {
  const picked = [...box.querySelectorAll("tbody input[type=checkbox]:checked")];
  box.querySelectorAll(".bulk, [data-picked-only]").forEach((part) => {
    part.hidden = picked.length === 0;
  });
  const count = box.querySelector("[data-picked-count]");
  if (count) count.textContent = String(picked.length);
  const sum = box.querySelector("[data-picked-sum]");
  const area = box.querySelector("[data-picked-area]"); // areas of different kinds are not added together
  if (area) area.hidden = new Set(picked.map((input) => input.dataset.kind)).size > 1;
  if (sum) sum.textContent = shown(picked.reduce((total, input) => total + units(input.dataset.mu), 0n));
  const all = box.querySelector("thead input[type=checkbox]");
  const every = box.querySelectorAll("tbody input[type=checkbox]");
  if (all) {
    all.checked = every.length > 0 && picked.length === every.length;
    all.indeterminate = picked.length > 0 && picked.length < every.length;
  }
}
page.addEventListener("change", (event) => {
  const box = event.target.closest?.("[data-bulk]");
  if (!box || event.target.type !== "checkbox") return;
  if (event.target.closest("thead")) {
    box.querySelectorAll("tbody input[type=checkbox]").forEach((input) => {
      input.checked = event.target.checked;
    });
  }
  tellBulk(box);
});
page.addEventListener("click", (event) => {
  const none = event.target.closest?.("[data-pick-none]");
  const box = none?.closest("[data-bulk]");
  if (!box) return;
  box.querySelectorAll("tbody input[type=checkbox]").forEach((input) => {
    input.checked = false;
  });
  tellBulk(box);
});

// A button that waits until its form can be sent (a choice made, a box ticked); without script the browser asks.
const weigh = (form) => {
  form?.querySelectorAll("[data-when-valid]").forEach((button) => {
    button.disabled = !form.checkValidity();
  });
};
page.addEventListener("change", (event) => weigh(event.target.closest?.("form")));

const begin = () => {
  page.querySelectorAll("[data-bulk]").forEach(tellBulk);
  page.querySelectorAll("[data-when-valid]").forEach((button) => weigh(button.form));
};
page.addEventListener("htmx:load", begin);
begin();
