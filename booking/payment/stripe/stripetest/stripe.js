// A stand-in for Stripe's script, as far as a card form needs it: https://docs.stripe.com/js. The card is typed in a frame of this server's.
(() => {
  "use strict";
  const at = new URL(document.currentScript.src).origin;
  self.Stripe = (key) => {
    if (!key.startsWith("pk_")) throw new Error("not a publishable key");
    return {
      elements: () => ({ create: (type) => element(type) }),
      createPaymentMethod: ({ card }) => card.ask(),
    };
  };
  function element() {
    const heard = {}, frame = document.createElement("iframe");
    let answer;
    frame.src = at + "/v3/frame";
    frame.title = "Secure card payment input frame";
    frame.style.cssText = "border:0;display:block;width:100%;height:1.6rem";
    addEventListener("message", (e) => {
      if (e.source !== frame.contentWindow || e.origin !== at) return;
      if (e.data.made) answer(e.data.made);
      else heard[e.data.event]?.(e.data);
    });
    return {
      on: (event, hear) => { heard[event] = hear; },
      mount: (box) => { box.append(frame); },
      ask: () => new Promise((done) => { answer = done; frame.contentWindow.postMessage("make", at); }),
    };
  }
})();
