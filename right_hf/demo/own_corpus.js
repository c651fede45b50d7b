// Runs once, in the component with the file: the browser reads it, and no more of it than is taken.
const input = element.querySelector("input");
input.addEventListener("click", () => (input.value = "")); // else the same file, corrected, would be no change
input.addEventListener("change", async () => {
  const [file] = input.files;
  if (file) trigger("upload", { name: file.name, text: await file.slice(0, props.most + 1).text() });
});
