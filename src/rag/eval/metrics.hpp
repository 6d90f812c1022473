/// How good a list of documents is, as trec_eval measures it, and how sure one may be of the mean.
///
/// Thread: any; pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace segue::rag::eval {

/// trec_eval's ndcg_cut.10 (gain = grade, discount = log2(rank + 1)), recall.100, and recip_rank of
/// the first ten.
struct Quality {
    double ndcg10 = 0;
    double recall100 = 0;
    double mrr10 = 0;
};

Quality measure(std::span<const std::string> ranked,
                const std::map<std::string, int, std::less<>>& grades);

struct Interval {
    double low = 0;
    double high = 0;
};

double mean(std::span<const double> values);
/// The middle 95 % of the means of resamples with replacement; the same values give the same
/// interval.
Interval bootstrap(std::span<const double> values, int resamples = 2000);
/// Chance that a mean difference this large comes up when the signs of the differences are random
/// (two-sided, by simulation).
double sign_flip_p(std::span<const double> differences, int rounds = 10'000);
/// The value below which the share `p` of them lies (nearest rank).
double quantile(std::vector<double> values, double p);

}  // namespace segue::rag::eval
