// The school's page: how far an upload and a job are. Without it the page does the same, and says less on the way.

/** Sends a list, and shows how much of it is sent. */
function upload(form) {
  const going = form.querySelector(".going");
  const button = form.querySelector("button");
  const says = document.createElement("p");
  const bar = document.createElement("progress");
  says.id = "sending";
  bar.setAttribute("aria-labelledby", says.id);
  bar.max = 100;
  going.append(says, bar);

  const show = (text, is_bad) => {
    going.hidden = false;
    going.classList.toggle("notice", is_bad);
    going.classList.toggle("bad", is_bad);
    bar.hidden = is_bad;
    says.textContent = text;
    button.disabled = !is_bad;
  };

  /** A token of the session as it is now; none when it has ended. */
  const token = async () => {
    const answer = await fetch(form.action, { headers: { accept: "text/html" }, redirect: "manual" });
    if (!answer.ok) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector("form.upload input[name=csrf]")?.value ?? null;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    show(form.dataset.sending, false);
    bar.value = 0;
    let fresh;
    try {
      fresh = await token();
    } catch {
      return show(form.dataset.cut, true);
    }
    // The file stays chosen: after signing in, in another tab, one more press sends it.
    if (!fresh) return show(form.dataset.ended, true);
    form.elements.csrf.value = fresh;
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.addEventListener("progress", ({ loaded, total }) => (bar.value = (100 * loaded) / total));
    request.addEventListener("error", () => show(form.dataset.cut, true));
    request.addEventListener("load", () => {
      if (request.status === 200 && request.responseURL.includes("/school/jobs/")) {
        return location.assign(request.responseURL);
      }
      if (request.status === 401) return show(form.dataset.ended, true);
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      show((page.querySelector("main [role=alert]") ?? page.querySelector("main h1"))?.textContent ?? form.dataset.cut, true);
    });
    request.send(new FormData(form));
  });
}

/** Shows how far a job is, and its result as soon as it is there. */
async function follow(job) {
  const says = job.querySelector("[role=status]");
  const bar = job.querySelector("progress");
  for (;;) {
    await new Promise((done) => setTimeout(done, 250));
    let state;
    try {
      const answer = await fetch(job.dataset.state, { headers: { accept: "application/json" } });
      if (!answer.ok) return location.reload();
      state = await answer.json();
    } catch {
      continue;
    }
    if (!state.running) return location.reload();
    if (says.textContent !== state.says) says.textContent = state.says;
    bar.value = state.percent;
  }
}

const form = document.querySelector("form.upload");
if (form) upload(form);
const job = document.querySelector(".job");
if (job) follow(job);
const print = document.querySelector("button.print");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => globalThis.print());
}
