"""OpenAI's Chat Completions dialect, as providers vary it."""
