//! Topics of newspaper articles: the words of a few topics, the shares of one article, and the plan.

use vi_examples::topics::{fit, read, report, topics};

#[test]
fn a_few_topics_of_the_first_articles() {
    let mut corpus = read().unwrap();
    corpus.word.truncate(60);
    corpus.count.truncate(60);
    insta::assert_snapshot!(report(&fit(&corpus, 5, 12).unwrap(), &corpus));
}

#[test]
fn plan() {
    insta::assert_snapshot!(topics::PLAN);
}
