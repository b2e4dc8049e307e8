#[path = "gaussians/known_in_part.rs"]
mod known_in_part;
