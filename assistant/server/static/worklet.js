// The sound of the phone, in the audio thread: 20 ms of the microphone out, our voice in.
const FRAME = 0.02; // s of microphone a message
const FIRST = 0.06; // s of voice before it begins to play, against jitter
const MOST = 2; // s of voice that may wait

class Phone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frame = new Int16Array(Math.round(sampleRate * FRAME));
    this.filled = 0;
    this.waiting = []; // Int16Array blocks
    this.ready = 0; // samples in them
    this.at = 0; // in the first block
    this.playing = false;
    this.muted = false;
    this.port.onmessage = ({ data }) => {
      if (data === "flush") this.flush();
      else if (typeof data === "boolean") this.muted = data;
      else this.queue(new Int16Array(data));
    };
  }

  flush() {
    this.waiting = [];
    this.ready = this.at = 0;
    this.playing = false;
  }

  queue(block) {
    this.waiting.push(block);
    this.ready += block.length;
    while (this.ready > MOST * sampleRate) {
      this.ready -= this.waiting.shift().length - this.at;
      this.at = 0;
    }
    if (this.ready >= FIRST * sampleRate) this.playing = true;
  }

  process([input], [output]) {
    this.listen(input[0], output[0].length);
    this.play(output);
    return true;
  }

  listen(samples, count) {
    for (let i = 0; i < count; i++) {
      const value = this.muted || !samples ? 0 : samples[i];
      this.frame[this.filled++] = Math.max(-1, Math.min(1, value)) * 32767;
      if (this.filled === this.frame.length) {
        const sent = this.frame.slice().buffer;
        this.port.postMessage(sent, [sent]);
        this.filled = 0;
      }
    }
  }

  play(output) {
    const first = output[0];
    for (let i = 0; i < first.length && this.playing; i++) {
      first[i] = this.waiting[0][this.at++] / 32768;
      this.ready--;
      if (this.at === this.waiting[0].length) {
        this.waiting.shift();
        this.at = 0;
        this.playing = this.waiting.length > 0;
      }
    }
    for (let c = 1; c < output.length; c++) output[c].set(first);
  }
}

registerProcessor("phone", Phone);
