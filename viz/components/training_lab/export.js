// The page as one file that still trains: this script and its style, and what is on show.

// Runs in the saved file: a button for each family, and the address behind the "#".
function startSaved({ TrainingLab, mounted, savedPlace }, style, state) {
  const names = { vae: "VAE", gan: "GAN", diffusion: "Diffusion", side: "Side by side" };
  const place = savedPlace(style);
  let serial = 0;
  const show = (family, address) => {
    for (const button of document.querySelectorAll("nav button")) button.setAttribute("aria-pressed", String(button.dataset.family === family));
    serial += 1;
    mounted(TrainingLab, { data: { run: family, family, address, own: state.own, serial }, parentElement: place, setStateValue: (_, now) => history.replaceState(null, "", `#${now.address}`) });
    window.lab = place.shown;
  };
  for (const [family, name] of Object.entries(names)) {
    const button = document.createElement("button");
    Object.assign(button, { textContent: name, type: "button", onclick: () => show(family, place.shown.address()) });
    button.dataset.family = family;
    document.querySelector("nav").append(button);
  }
  const asked = decodeURIComponent(location.hash.slice(1)) || state.address;
  const family = asked.split("~")[5];
  show(names[family] ? family : state.family, asked);
}

function savedPage(state) {
  const script = `const LAB_STYLE = ${savedValue(LAB_STYLE)};
${savedCode(wholeLab)}
(${savedCode(startSaved)})(wholeLab(LAB_STYLE), LAB_STYLE, ${savedValue(state)});`;
  return savedDocument({ title: "How generative models learn", body: '<nav aria-label="Models"></nav>', script });
}
