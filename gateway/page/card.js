// The card form: Stripe's own script draws it in a frame of Stripe's, so that no card data ever reaches this page. What comes out is the name of a
// PaymentMethod, which goes with the form as a token. Without it there is nothing to press.
(() => {
  "use strict";
  const box = document.getElementById("token"), form = document.getElementById("pay"), key = box?.dataset.key;
  if (!key) return;
  const fault = document.getElementById("card-fault"), button = form.querySelector("button.pay"), token = form.elements.token;
  const tell = (text) => { fault.textContent = text || ""; };
  token.value = ""; // some browsers bring back what a page had
  if (!self.Stripe) return tell(box.dataset.away);
  const look = getComputedStyle(box), stripe = self.Stripe(key);
  const card = stripe.elements({ locale: document.documentElement.lang.split("-")[0] }).create("card", {
    hidePostalCode: true, style: { base: { color: look.color, fontSize: "16px", fontFamily: "system-ui, sans-serif" } },
  });
  card.on("ready", () => { button.hidden = false; });
  card.on("change", (e) => tell(e.error?.message));
  card.mount(box);

  let asking = false;
  form.addEventListener("submit", async (e) => {
    if (token.value) return; // it is on its way, and checkout.js sees that it goes once
    e.preventDefault();
    e.stopImmediatePropagation();
    if (asking) return;
    asking = true;
    button.setAttribute("aria-disabled", "true");
    let made = {};
    try { made = await stripe.createPaymentMethod({ type: "card", card }); } catch { /* the line is down */ }
    asking = false;
    button.removeAttribute("aria-disabled");
    if (!made.paymentMethod) return tell(made.error?.message || box.dataset.away);
    tell("");
    token.value = made.paymentMethod.id;
    form.requestSubmit(button);
  }, { capture: true });
})();
