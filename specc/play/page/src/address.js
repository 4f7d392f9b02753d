// The text in the address's fragment, compressed, so that a link shares a network.

const MOST = 30000; // characters of an address; a longer text stays out of it
const LARGEST = 1 << 20; // bytes of a text

/** The text that the address holds; null where it holds none. */
export async function readAddress() {
  const held = new URLSearchParams(location.hash.slice(1)).get("text");
  if (!held) return null;
  try {
    const bytes = Uint8Array.from(atob(held.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
    return new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw")));
  } catch {
    return null; // cut off on its way
  }
}

/** Puts a text into the address. Returns whether it has room there. */
export async function writeAddress(text) {
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const held = btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const fits = held.length <= MOST;
  history.replaceState(null, "", fits ? `#text=${held}` : location.pathname);
  return fits;
}

/** Bytes through a stream. Throws where much more comes out than a text has. */
async function through(bytes, stream) {
  const parts = [];
  let length = 0;
  for await (const part of new Blob([bytes]).stream().pipeThrough(stream)) {
    parts.push(part);
    length += part.length;
    if (length > LARGEST) throw new RangeError("that is no text");
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
