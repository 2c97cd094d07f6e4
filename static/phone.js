// 手机页: the forms of one parcel or issue, taken over by the outbox (outbox.js).
//
//   data-photos      the form of one parcel's photos (data-parcel, data-label) or of an issue's (data-url of its REST
//                    door, data-label); taken over from the plain upload
//   data-stage       the form that reports a stage (data-url of the REST door, data-label, data-next); taken over too
// Without IndexedDB or without a script the forms are ordinary ones.

const { outbox } = window;

/* Taking photos in ---------------------------------------------------------------------------------------------- */
async function take(form, file, isFresh) {
  const said = await outbox.readExif(file);
  if (isFresh) {
    said.taken_at ??= new Date(file.lastModified || Date.now()).toISOString();
    if (!said.latitude) Object.assign(said, await outbox.whereNow());
  }
  const { parcel, url, label } = form.dataset; // an issue's photos have a door of their own
  const fields = parcel ? { parcel, ...said } : said;
  for (const name of ["phase", "view", "note"]) fields[name] = form.elements[name].value;
  await outbox.keep({ fields, url, label, name: file.name || "photo.jpg", blob: await outbox.shrunk(file) });
}

document.querySelectorAll("form[data-photos]").forEach((form) => {
  const failed = form.querySelector("[data-photo-error]");
  outbox.opened.then(() => {
    form.querySelector("[data-plain]").hidden = true; // choosing is sending
    form.addEventListener("change", async (event) => {
      const input = event.target;
      if (input.type !== "file") return;
      const files = [...input.files];
      failed.hidden = true;
      try {
        for (const file of files) await take(form, file, input.hasAttribute("capture"));
        input.value = "";
      } catch {
        failed.textContent = "手机存不下这张照片，请清理空间后再拍；照片还在相册里。";
        failed.hidden = false;
      }
      await outbox.draw();
      outbox.send();
    });
  }, () => {});
});

/* Taking reports in --------------------------------------------------------------------------------------------- */
document.querySelectorAll("form[data-stage]").forEach((form) => {
  const said = form.querySelector("[data-stage-said]");
  outbox.opened.then(() => form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries([...new FormData(form)].filter(([name, text]) => text && !["csrfmiddlewaretoken", "key"].includes(name)));
    const key = outbox.newKey();
    try {
      await outbox.keep({ key, kind: "stage", url: form.dataset.url, fields, label: `${form.dataset.label} ${fields.area_mu} 亩` });
    } catch {
      form.submit(); // the phone keeps nothing: the ordinary way
      return;
    }
    await outbox.send();
    const row = (await outbox.mine()).find((one) => one.key === key);
    if (row?.state === "sent") {
      location.assign(form.dataset.next);
      return;
    }
    said.textContent = row?.state === "refused" ? row.reason
      : navigator.onLine ? "已存在手机里，正在送，可以离开这一页。" : "没有信号，已存在手机里，有信号自动送。";
    said.hidden = false;
    if (row?.state === "refused") await outbox.drop(key); // it stands in the form: to be put right there
    await outbox.draw();
  }), () => {});
});
