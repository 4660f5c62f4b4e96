// Turns and enlarges a document's page. Without it the link to the whole image remains.
for (const figure of document.querySelectorAll(".page-view")) {
  const frame = figure.querySelector(".page-frame");
  const image = figure.querySelector("img");
  let turns = 0;
  let size = 1;
  const show = () => {
    const lying = turns % 2 === 1;
    const ratio = image.naturalHeight / image.naturalWidth || 1;
    // a lying image is as wide as the frame when its own height is
    const width = lying ? (frame.clientWidth / ratio) * size : frame.clientWidth * size;
    const height = width * ratio;
    image.style.width = `${width}px`;
    image.style.maxWidth = "none";
    image.style.transformOrigin = "0 0";
    const shift = [[0, 0], [height, 0], [width, height], [0, width]][turns];
    image.style.transform = `translate(${shift[0]}px, ${shift[1]}px) rotate(${turns * 90}deg)`;
    image.style.marginBottom = `${(lying ? width - height : 0)}px`;
    image.style.marginRight = `${(lying ? height - width : 0)}px`;
  };
  const add = (name, label, act) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tool";
    button.dataset.tool = name;
    button.textContent = label;
    button.addEventListener("click", () => { act(); show(); });
    return button;
  };
  const tools = document.createElement("div");
  tools.className = "page-tools";
  tools.append(
    add("turn", figure.dataset.turn, () => { turns = (turns + 1) % 4; }),
    add("larger", figure.dataset.larger, () => { size = Math.min(size * 1.5, 6); }),
    add("smaller", figure.dataset.smaller, () => { size = Math.max(size / 1.5, 1); }),
  );
  frame.tabIndex = 0;
  frame.before(tools);
}
