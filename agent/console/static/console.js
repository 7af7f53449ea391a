// What pages do a little quicker with a script. Every page works without it.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // What only a script can do is hidden until there is one.
  all(".script-only").forEach((e) => { e.hidden = false; });

  // Whoever sent a form that was refused begins with what is wrong.
  const wrong = document.querySelector(".notice.error");
  if (wrong) wrong.focus();

  // A link to a place in a form opens whatever it stands in.
  const openTo = (id) => {
    const target = document.getElementById(decodeURIComponent(id));
    if (!target) return;
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    const control = target.matches("input, select, textarea") ? target : target.querySelector("input:not([type=hidden]), select, textarea, summary");
    if (control) control.focus();
    target.scrollIntoView({ block: "center" });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#f"]');
    if (link) { event.preventDefault(); openTo(link.getAttribute("href").slice(1)); }
  });

  // Completeness as you type.
  const form = document.querySelector("form[data-check]");
  if (form) {
    let timer, asked = 0;
    const ask = async () => {
      const data = new URLSearchParams();
      for (const [name, value] of new FormData(form)) if (typeof value === "string" && !name.endsWith("/content")) data.append(name, value);
      for (const hidden of all('input[name$="/content"]', form)) data.append(hidden.name, hidden.value);
      const turn = ++asked;
      try {
        const answer = await fetch(form.dataset.check, { method: "POST", body: data });
        if (answer.ok && turn === asked) document.getElementById("completeness").innerHTML = await answer.text();
      } catch { /* the page's own button asks as well */ }
    };
    form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 700); });
  }

  // Passkeys: binary members travel as base64url.
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const readOptions = ({ publicKey: p }) => {
    p.challenge = bytes(p.challenge);
    if (p.user) p.user.id = bytes(p.user.id);
    for (const list of [p.allowCredentials, p.excludeCredentials]) for (const c of list || []) c.id = bytes(c.id);
    return { publicKey: p };
  };
  const writeAnswer = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: {} });
  };
  const passkey = async (f) => {
    let options = f.dataset.options && JSON.parse(f.dataset.options);
    if (!options) {
      const answer = await fetch(f.dataset.ask, { method: "POST", body: new URLSearchParams(new FormData(f)) });
      if (!answer.ok) return f.submit();
      const asked = await answer.json();
      f.elements.token.value = asked.token;
      options = asked.options;
    }
    const ceremony = f.dataset.passkey === "create" ? navigator.credentials.create(readOptions(options)) : navigator.credentials.get(readOptions(options));
    const field = f.elements.answer || f.elements["passkey-answer"];
    field.value = writeAnswer(await ceremony);
    if (f.elements.password) f.elements.password.value = "";
    f.submit();
  };
  all("form[data-passkey]").forEach((f) => f.addEventListener("submit", (event) => {
    event.preventDefault();
    passkey(f).catch(() => { /* the person said no, or has none: the page stays */ });
  }));

  // Large files: how far they are, and what moves on the other way.
  all("form[data-upload]").forEach((f) => f.addEventListener("submit", (event) => {
    event.preventDefault();
    const bar = f.querySelector("progress"), button = f.querySelector("button"), request = new XMLHttpRequest();
    const over = () => { button.disabled = false; bar.hidden = true; };
    request.upload.addEventListener("progress", (e) => { if (e.lengthComputable) bar.value = 100 * e.loaded / e.total; });
    request.addEventListener("load", () => {
      over();
      if (request.status < 300) { location.assign(request.responseURL); return; }
      const answer = new DOMParser().parseFromString(request.responseText, "text/html").querySelector("main .notice.error");
      if (answer) { f.querySelector(".notice")?.remove(); f.prepend(answer); answer.focus(); }
    });
    request.addEventListener("error", over);
    button.disabled = true;
    bar.value = 0;
    bar.hidden = false;
    request.open("POST", f.action);
    request.send(new FormData(f));
  }));
  const files = document.getElementById("evidence");
  if (files) {
    new EventSource(files.dataset.events).addEventListener("moved", async () => {
      const answer = await fetch(files.dataset.list);
      if (!answer.ok || answer.redirected) return;
      const ticked = all("input:checked", files).map((e) => e.value);
      files.innerHTML = await answer.text();
      all("input", files).forEach((e) => { e.checked = ticked.includes(e.value); });
    });
  }

  // The border desk: what arrives is there at once.
  const border = document.getElementById("border");
  if (border) {
    const sound = document.getElementById("sound"), live = document.getElementById("live"), announce = document.getElementById("announce");
    let audio = null;
    sound.addEventListener("click", () => {
      if (audio) { audio.close(); audio = null; } else { audio = new AudioContext(); tone(); }
      sound.setAttribute("aria-pressed", String(Boolean(audio)));
      sound.textContent = audio ? sound.dataset.yes : sound.dataset.no;
    });
    const tone = () => {
      if (!audio) return;
      [880, 1174.7, 880].forEach((pitch, i) => {
        const source = audio.createOscillator(), gain = audio.createGain(), at = audio.currentTime + i * 0.18;
        source.frequency.value = pitch;
        gain.gain.setValueAtTime(0.0001, at);
        gain.gain.exponentialRampToValueAtTime(0.3, at + 0.02);
        gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.16);
        source.connect(gain).connect(audio.destination);
        source.start(at);
        source.stop(at + 0.17);
      });
    };
    let running = false, again = false, fresh = new Set();
    const refresh = async () => {
      if (running) { again = true; return; }
      running = true;
      try {
        const answer = await fetch(border.dataset.list);
        if (answer.ok && answer.headers.get("Content-Type").startsWith("text/html") && !answer.redirected) {
          const focused = document.activeElement && border.contains(document.activeElement) && document.activeElement.getAttribute("href");
          border.innerHTML = await answer.text();
          for (const id of fresh) document.getElementById("m" + id)?.classList.add("fresh");
          if (focused) border.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
        }
      } finally {
        running = false;
        if (again) { again = false; refresh(); }
      }
    };
    const say = (up) => { live.textContent = up ? live.dataset.yes : live.dataset.no; live.classList.toggle("tag-done", up); };
    const events = new EventSource(border.dataset.events);
    events.onopen = () => { say(true); refresh(); };
    events.onerror = () => say(false);
    events.addEventListener("arrived", async (event) => {
      fresh.add(event.data);
      announce.textContent = announce.dataset.text;
      tone();
      await refresh();
    });
    events.addEventListener("changed", refresh);
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
      const links = all(".cards a", border), here = links.indexOf(document.activeElement);
      if (event.key === "j" || event.key === "ArrowDown") { event.preventDefault(); links[Math.min(here + 1, links.length - 1)]?.focus(); }
      if (event.key === "k" || event.key === "ArrowUp") { event.preventDefault(); links[Math.max(here - 1, 0)]?.focus(); }
      if (event.key === "n") document.getElementById("new-alert")?.click();
      if (event.key === "s") sound.click();
    });
  }
})();
