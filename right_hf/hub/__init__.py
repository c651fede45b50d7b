"""The Hugging Face Hub: pulling and pushing checkpoints and components, whole or not at all."""
