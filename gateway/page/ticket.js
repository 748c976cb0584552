// The confirmation: a button that prints, where there is a script to do it.
(() => {
  "use strict";
  // What was typed at the checkout is not needed any more.
  try { sessionStorage.removeItem("usher." + location.pathname.replace("/booking/", "/checkout/")); } catch { /* no storage */ }
  // Tabs that still show the seats or the checkout look again.
  if (self.BroadcastChannel) new BroadcastChannel("usher." + location.pathname.split(/[/-]/)[2]).postMessage("booking");
  const button = document.getElementById("print");
  button.hidden = false;
  button.addEventListener("click", () => print());
})();
