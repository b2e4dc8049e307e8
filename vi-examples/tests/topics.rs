//! Topics of newspaper articles: the plan.

use vi_examples::topics::topics;

#[test]
fn plan() {
    insta::assert_snapshot!(topics::PLAN);
}
