// Says a sentence aloud. Where the phone has no voice of its own for the language, tones say the colour: other voices send
// what they say to their maker, and this is somebody's health.

/** Tones of a colour: frequency in Hz, length in ms. Up for green, the same twice for amber, down three times for red. */
const TONES = {
  green: [[523, 250], [784, 600]],
  amber: [[523, 300], [523, 300]],
  red: [[392, 300], [330, 300], [262, 600]],
  unknown: [[330, 600]],
};

/** @returns {Promise<SpeechSynthesisVoice[]>} voices come late in some browsers */
function voices() {
  const synthesis = window.speechSynthesis;
  if (!synthesis) return Promise.resolve([]);
  const here = synthesis.getVoices();
  if (here.length) return Promise.resolve(here);
  return new Promise((resolve) => {
    const done = () => resolve(synthesis.getVoices());
    synthesis.addEventListener?.("voiceschanged", done, { once: true });
    setTimeout(done, 400);
  });
}

/**
 * Says `text`, or plays the tones of `colour`.
 * @param {string} text
 * @param {string} locale
 * @param {string} colour
 * @returns {Promise<"voice" | "tones">}
 */
export async function speak(text, locale, colour) {
  const language = locale.split("-")[0];
  const speaks = (voice) => voice.lang.toLowerCase().replace("_", "-").split("-")[0] === language;
  const own = (await voices()).find((voice) => voice.localService && speaks(voice));
  if (!own) {
    play(TONES[colour] ?? TONES.unknown);
    return "tones";
  }
  const speech = new SpeechSynthesisUtterance(text);
  speech.voice = own;
  speech.lang = locale;
  speech.rate = 0.85;
  window.speechSynthesis.cancel();
  window.speechSynthesis.speak(speech);
  return "voice";
}

/** @type {AudioContext | undefined} */
let audio;

/** @param {number[][]} tones */
function play(tones) {
  const Context = window.AudioContext;
  if (!Context) return;
  audio ??= new Context();
  audio.resume();
  let at = audio.currentTime + 0.05;
  for (const [frequency, length] of tones) {
    const oscillator = audio.createOscillator();
    const volume = audio.createGain();
    oscillator.frequency.value = frequency;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.5, at + 0.02);
    volume.gain.setValueAtTime(0.5, at + length / 1000 - 0.03);
    volume.gain.linearRampToValueAtTime(0, at + length / 1000);
    oscillator.connect(volume).connect(audio.destination);
    oscillator.start(at);
    oscillator.stop(at + length / 1000);
    at += length / 1000 + 0.12;
  }
}
