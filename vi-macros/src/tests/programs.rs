//! The programs of the language reference, as they stand there: what goes inside `model! { … }`.

/// File name without its ending, and text.
pub const ALL: &[(&str, &str)] = &[
    ("01_mixture", include_str!("programs/01_mixture.vi")),
    ("02_bayesian_mixture", include_str!("programs/02_bayesian_mixture.vi")),
    ("03_regularised_mixture", include_str!("programs/03_regularised_mixture.vi")),
    ("04_hmm", include_str!("programs/04_hmm.vi")),
    ("05_state_space", include_str!("programs/05_state_space.vi")),
    ("06_lda", include_str!("programs/06_lda.vi")),
    ("07_factor_analysis", include_str!("programs/07_factor_analysis.vi")),
    ("08_ard_regression", include_str!("programs/08_ard_regression.vi")),
    ("09_robust_regression", include_str!("programs/09_robust_regression.vi")),
    ("10_logistic", include_str!("programs/10_logistic.vi")),
    ("11_poisson_factorisation", include_str!("programs/11_poisson_factorisation.vi")),
    ("12_block_model", include_str!("programs/12_block_model.vi")),
    ("13_dawid_skene", include_str!("programs/13_dawid_skene.vi")),
    ("14_eight_schools", include_str!("programs/14_eight_schools.vi")),
    ("15_dp_mixture", include_str!("programs/15_dp_mixture.vi")),
    ("16_ratings", include_str!("programs/16_ratings.vi")),
    ("17_switching", include_str!("programs/17_switching.vi")),
    ("18_completion", include_str!("programs/18_completion.vi")),
    ("19_zero_inflated", include_str!("programs/19_zero_inflated.vi")),
    ("20_mixture_of_factors", include_str!("programs/20_mixture_of_factors.vi")),
];
