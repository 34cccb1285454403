// Players side by side: "Play all" starts them together from the beginning, and one at a time is heard.
// Listens on the whole page, because the players come and go; media events do not bubble, so they are caught on the way down.
(() => {
  const PLAYERS = ".hm-players";
  const videosOf = (place) => [...place.querySelectorAll("video")];
  const ready = (video) =>
    video.readyState >= 3 || video.error ? Promise.resolve()
      : new Promise((done) => ["canplay", "error"].forEach((name) => video.addEventListener(name, done, { once: true })));

  function hear(place, chosen) {
    for (const figure of place.querySelectorAll("figure")) {
      const video = figure.querySelector("video"), heard = video === chosen;
      if (video.muted === heard) video.muted = !heard;
      figure.classList.toggle("hm-heard", heard);
      figure.querySelector("[data-hm-hear]").setAttribute("aria-pressed", heard);
    }
  }

  async function playAll(place) {
    const videos = videosOf(place);
    hear(place, place.querySelector(".hm-heard video") || videos[0]);
    await Promise.all(videos.map(ready));
    for (const video of videos) { video.pause(); video.currentTime = 0; }
    place.dataset.together = "yes";
    await Promise.allSettled(videos.map((video) => video.play()));
  }

  function pauseAll(place) {
    delete place.dataset.together;
    videosOf(place).forEach((video) => video.pause());
  }

  function nameButton(place) {
    const playing = videosOf(place).some((video) => !video.paused && !video.ended);
    place.querySelector("[data-hm-play]").textContent = playing ? "Pause all" : "Play all";
    return playing;
  }

  document.addEventListener("click", (event) => {
    const place = event.target.closest?.(PLAYERS);
    if (!place) return;
    if (event.target.closest("[data-hm-play]")) nameButton(place) ? pauseAll(place) : playAll(place);
    const button = event.target.closest("[data-hm-hear]");
    if (button) hear(place, button.closest("figure").querySelector("video"));
  });

  const onVideo = (name, react) =>
    document.addEventListener(name, ({ target }) => {
      const place = target.closest?.(PLAYERS);
      if (place) react(target, place);
    }, true);

  // Whoever takes the mute off one, with the player's own button, mutes the others.
  onVideo("volumechange", (video, place) => { if (!video.muted) hear(place, video); });
  onVideo("play", (_, place) => nameButton(place));
  onVideo("pause", (_, place) => nameButton(place));
  // Over and over, and together again each time: the heard one leads.
  onVideo("ended", (video, place) => {
    const leads = place.dataset.together && video === place.querySelector(".hm-heard video");
    leads ? playAll(place) : nameButton(place);
  });
})();
