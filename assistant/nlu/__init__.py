"""Understanding: words of an utterance → intent, digits, yes/no, correction. Pure; no engine, clock or network."""
