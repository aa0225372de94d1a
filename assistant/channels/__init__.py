"""Where calls come from: WAV files now; microphone, browser and telephone lines later."""
