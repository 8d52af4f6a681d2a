const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Fetches bytes, trying again when the network or the server stumbles; a refusal (4xx) is final.
async function fetchBytes(url, signal, tries = 3) {
  for (let attempt = 1; ; attempt += 1) {
    let response = null;
    try {
      response = await fetch(url, { signal, credentials: "same-origin" });
      if (response.ok) return await response.arrayBuffer();
    } catch (error) {
      if (signal?.aborted || attempt >= tries) throw error;
    }
    if (response && (response.status < 500 || attempt >= tries)) throw new Error(`The server answered ${response.status}`);
    await pause(250 * attempt);
  }
}
