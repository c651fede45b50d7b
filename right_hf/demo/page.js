// Runs once, in the component of the suggestions: `element` is its own and stays, `trigger` calls the server.
const post = () => document.querySelector("#post textarea");

// What is typed is asked for when the author pauses.
let waiting;
document.addEventListener("input", (event) => {
  if (event.target !== post()) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => trigger("input"), 250);
});

// A chosen hashtag goes into the post; the next suggestion takes its place, and the focus stays there.
let chosen = false;
element.addEventListener("click", (event) => {
  const chip = event.target.closest(".chip");
  if (!chip) return;
  chosen = true;
  trigger("select", { posted: chip.dataset.posted });
});
watch("value", () => {
  if (chosen && document.activeElement === document.body) post().focus();
  chosen = false;
});

// Gradio gives each radio button a name of its own, so that arrow keys would not lead from one to the next.
document.addEventListener("keydown", ({ target }) => {
  if (target.type !== "radio") return;
  for (const button of target.closest("fieldset").querySelectorAll("input")) button.name = target.name;
});

// What was typed before this ran, or is there again after the page was loaded anew.
if (post()?.value) trigger("input");
