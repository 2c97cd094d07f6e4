// Reporting a clue: the phone's position on request, into the form's own fields. Without it the form works the same.
const form = document.querySelector("form[data-patrol]");
const button = form?.querySelector("[data-locate]");
const said = form?.querySelector("[data-locate-said]");

if (button && "geolocation" in navigator) {
  button.hidden = false;
  button.addEventListener("click", () => {
    said.textContent = "正在定位……";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.elements.longitude.value = coords.longitude.toFixed(7);
        form.elements.latitude.value = coords.latitude.toFixed(7);
        form.elements.accuracy_m.value = Math.min(coords.accuracy, 999999).toFixed(1);
        said.textContent = `已定位，误差约 ${Math.round(coords.accuracy)} 米。`;
      },
      () => {
        said.textContent = "没有定到位，写清地点就行。";
      },
      { enableHighAccuracy: true, timeout: 10000, maximumAge: 30000 },
    );
  });
}
