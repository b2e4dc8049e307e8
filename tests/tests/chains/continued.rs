//! Which chains can be continued, and which can be followed one step at a time: those whose steps do not ask where they are.

use vi_core::prelude::*;
use vi_tests::series::{diffuse, panel, pushed, state_space, trend};

model! {
    /// The noise of data depends on where they stand.
    pub mod numbered {
        param    q: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t], var: (1 + t) * r);
    }
}
model! {
    /// Every step has a variance of its own.
    pub mod uneven {
        param    q[t in T]: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q[t]);
        observed y[t in T]    ~ Normal(x[t], var: r);
    }
}
model! {
    /// Data find their step by a map.
    pub mod mapped {
        given    at[n in N]: Category[T];
        param    q: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[n in N]    ~ Normal(x[at[n]], var: r);
        observed w[t in T]    ~ Normal(x[t], var: r);
    }
}
model! {
    /// The first datum is measured otherwise than the rest.
    pub mod begun {
        param    q: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[0]         ~ Normal(x[0], var: 5);
        observed y[t in 1..T] ~ Normal(x[t], var: r);
    }
}

model! {
    /// A chain of categories.
    pub mod kinds(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}
model! {
    /// Its first datum has a law of its own.
    pub mod begun_kinds(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    rate[k in K]: Positive;   param early[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[0]         ~ Poisson(early[z[0]]);
        observed y[t in 1..T] ~ Poisson(rate[z[t]]);
    }
}
model! {
    /// Its rates change at one place.
    pub mod broken(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    rate[k in K]: Positive;   param late[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ match t < 5 { true => Poisson(rate[z[t]]), false => Poisson(late[z[t]]) };
    }
}
model! {
    /// Each step looks back at two.
    pub mod second_order(K) {
        param    start: Simplex[K];
        param    second[i in K]: Simplex[K];
        param    trans[i in K, j in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[1]         ~ Categorical(second[z[0]]);
        latent   z[t in 2..T] ~ Categorical(trans[z[t-2], z[t-1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}

/// Whether a model can be continued.
struct Model<M>(std::marker::PhantomData<M>);
trait Ends {
    const GOES_ON: bool = false;
    const IS_STEADY: bool = false;
}
impl<M> Ends for Model<M> {}
impl<M: vi_core::fit::Continues> Model<M> {
    const GOES_ON: bool = true;
}
impl<M: vi_core::fit::Steady> Model<M> {
    const IS_STEADY: bool = true;
}

#[test]
fn only_what_has_one_law_along_the_axis_goes_on() {
    let go_on = [
        Model::<panel::Model>::GOES_ON,
        Model::<state_space::Model>::GOES_ON,
        Model::<trend::Model>::GOES_ON,
        Model::<diffuse::Model>::GOES_ON,
        Model::<kinds::Model>::GOES_ON,
    ];
    assert_eq!(go_on, [true; 5]);
    let end = [
        Model::<pushed::Model>::GOES_ON,
        Model::<numbered::Model>::GOES_ON,
        Model::<uneven::Model>::GOES_ON,
        Model::<mapped::Model>::GOES_ON,
        Model::<begun::Model>::GOES_ON,
        Model::<broken::Model>::GOES_ON,
        Model::<begun_kinds::Model>::GOES_ON,
    ];
    assert_eq!(end, [false; 7]);
}

#[test]
fn only_steps_that_do_not_ask_where_they_are_are_taken_one_at_a_time() {
    let steady = [
        Model::<panel::Model>::IS_STEADY,
        Model::<trend::Model>::IS_STEADY,
        Model::<pushed::Model>::IS_STEADY,
        Model::<begun::Model>::IS_STEADY,
        Model::<kinds::Model>::IS_STEADY,
    ];
    assert_eq!(steady, [true; 5]);
    let uneven = [
        Model::<numbered::Model>::IS_STEADY,
        Model::<broken::Model>::IS_STEADY,
        Model::<second_order::Model>::IS_STEADY,
    ];
    assert_eq!(uneven, [false; 3]);
}
