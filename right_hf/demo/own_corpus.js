// Runs once, in the component with the file: the browser reads it, and no more of it than is taken.
element.querySelector("input").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  if (file) trigger("upload", { name: file.name, text: await file.slice(0, props.most + 1).text() });
});
