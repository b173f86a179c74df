/* What Label Studio has no setting for. The embedded server adds this to its pages.

Space   answers every stance that is open with the label for targets that are not addressed.
=       marks each other place that has the words of the selected span, or else of the last one, with its labels.
The key of a chosen answer leaves it chosen. What was suggested and not touched yet has the class bd-suggested. */
(() => {
  // Known before a task is shown, so that what tells the keys moves nothing when it appears.
  document.documentElement.classList.add("bd-keys");
  const own = new Set();
  const first = new Map();
  const annotation = () => window.Htx?.annotationStore?.selected;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const blocks = (result) => all(`.bd .bd-${result.from_name.name}`);
  const spans = (result) => result.area._spans ?? [];

  function answerRest() {
    // What is open in a review is in dispute, and not to be settled by one key.
    for (const targets of all(".bd:not(:has(.bd-review)) [class*='bd-rest-']")) {
      const [, place] = targets.className.match(/bd-rest-(\d+)/);
      for (const open of targets.querySelectorAll(".bd-asked:not(:has(.ant-radio-checked))"))
        if (open.offsetParent) open.querySelector(`.lsf-choice:nth-child(${place}) input`).click();
    }
  }

  function markAlike() {
    const made = annotation();
    const marked = made.serializeAnnotation().filter((item) => item.type === "labels");
    const chosen = made.regions.find((region) => region.inSelection || region.selected)?.id.split("#")[0];
    const one = marked.find((item) => item.id === chosen) ?? marked.at(-1);
    if (!one) return;
    const text = window.Htx.task.dataObj.text;
    // Offsets count code points; a string of JavaScript counts UTF-16 units.
    const words = [...text].slice(one.value.start, one.value.end).join("");
    const plain = words.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    const places = [...text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}_])${plain}(?![\\p{L}\\p{N}_])`, "gu"))].map(({ index }) => {
      const start = [...text.slice(0, index)].length;
      return { start, end: start + [...words].length, text: words, labels: one.value.labels };
    });
    const isNew = ({ start, end, labels }) =>
      !marked.some(({ value }) => value.start < end && start < value.end && value.labels.some((label) => labels.includes(label)));
    const alike = ({ from_name, to_name, type }, value, n) => ({ id: `alike${n}`, from_name, to_name, type, value });
    made.appendResults(places.filter(isNew).map((value, n) => alike(one, value, n)));
  }

  /* A suggestion that somebody chose again is their own answer. */
  function keep(label) {
    for (const result of annotation()?.results ?? [])
      if (!spans(result).length && blocks(result).some((block) => block.contains(label))) own.add(result.area.id);
  }

  function show() {
    if (!document.querySelector(".bd")) return;
    const made = (annotation()?.results ?? []).filter(({ area }) => area.origin === "prediction");
    for (const { area, from_name, mainValue } of made) {
      const [name, said] = [`${area.id} ${from_name.name}`, JSON.stringify(mainValue)];
      if (first.has(name) && first.get(name) !== said) own.add(area.id);
      else first.set(name, said);
    }
    const open = made.filter(({ area }) => !own.has(area.id));
    const suggested = new Set(open.flatMap((result) => (spans(result).length ? spans(result) : blocks(result))));
    for (const element of all(".bd-suggested")) element.classList.toggle("bd-suggested", suggested.has(element));
    for (const element of suggested) element.classList.add("bd-suggested");
  }

  function press(event) {
    const isTyped = event.target.closest?.("textarea, [contenteditable=true], input:not([type=radio], [type=checkbox])");
    if (!document.querySelector(".bd") || isTyped || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = `[${event.shiftKey ? "shift+" : ""}${event.key.toLowerCase()}]`;
    const chosen = all(".bd label:has(.ant-radio-checked)").find((label) => label.querySelector("sup")?.textContent === key);
    if (event.key === " " && !event.target.closest?.("button")) answerRest();
    else if (event.key === "=") markAlike();
    else if (chosen?.offsetParent) keep(chosen);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
    show();
  }

  window.addEventListener("keydown", press, true);
  window.addEventListener("click", ({ target }) => keep(target.closest?.(".bd-suggested label:has(.ant-radio-checked)")), true);
  setInterval(show, 300);
})();
