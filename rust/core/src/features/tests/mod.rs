//! Feature specs as a model's maker sees them: what is refused and how, and what rows come out.

mod examples;
