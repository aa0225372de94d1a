"use strict";
// Both sides of a call play together; the playhead follows; a click on the waveform seeks.
for (const call of document.querySelectorAll(".call")) {
  const sides = [...call.querySelectorAll("audio")];
  const wave = call.querySelector(".wave");
  if (!sides.length || !wave) continue;
  const button = call.querySelector(".both");
  const head = wave.querySelector(".playhead");
  const scroll = wave.parentElement;
  const px = Number(wave.dataset.px);
  const playing = () => sides.some((side) => !side.paused);
  const show = () => {
    const x = (sides.find((side) => !side.paused) || sides[0]).currentTime * px;
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
    if (playing() && (x < scroll.scrollLeft || x > scroll.scrollLeft + scroll.clientWidth - 60)) {
      scroll.scrollLeft = x - 60;
    }
    button.textContent = playing() ? "❚❚ dừng" : "▶ cả hai bên";
    if (playing()) requestAnimationFrame(show);
  };
  for (const side of sides) {
    for (const event of ["play", "pause", "seeked", "ended"]) side.addEventListener(event, show);
  }
  button.addEventListener("click", () => {
    if (playing()) return sides.forEach((side) => side.pause());
    const at = sides[0].currentTime;
    for (const side of sides) { side.currentTime = at; side.play(); }
  });
  wave.addEventListener("click", (event) => {
    const at = (event.clientX - wave.getBoundingClientRect().left) / px;
    for (const side of sides) side.currentTime = at;
  });
}

// Only what has every word of the search; sections of which nothing is left go too.
const search = document.querySelector(".filter input");
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/);
  let left = 0;
  for (const record of document.querySelectorAll(".record")) {
    record.hidden = !words.every((word) => record.dataset.words.includes(word));
    left += !record.hidden;
  }
  for (const section of document.querySelectorAll("section:has(.record)")) {
    section.hidden = !section.querySelector(".record:not([hidden])");
  }
  document.querySelector(".filter output").value = search.value.trim() ? `${left} kịch bản` : "";
});

// Times in the reader's own zone.
for (const time of document.querySelectorAll("time")) {
  time.textContent = new Date(time.dateTime).toLocaleString("vi-VN");
}
