// Before the first paint, so that a remembered theme or language never flashes.
// The keys and rules are those of src/lib/preferences.svelte.ts.
(function () {
  var root = document.documentElement;
  try {
    var theme = localStorage.getItem("mcraft.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    var locale = localStorage.getItem("mcraft.locale");
    if (locale !== "ja" && locale !== "en") locale = /^ja\b/.test(navigator.language) ? "ja" : "en";
    root.lang = locale;
  } catch (_storageRefused) {
    root.lang = "en";
  }
})();
