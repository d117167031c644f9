"""The app in the browser: train on a folder or a zip, and try a trained model; gradio's only door."""
