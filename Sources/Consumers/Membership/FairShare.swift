/// How many segments each worker should own.
///
/// Every worker gets the floor of the quotient, and the first of them, in the order of their ids, one more each until
/// nothing is left over. All workers see the same list, so all come to the same shares without talking.
enum FairShare {
    /// - Parameters:
    ///   - workers: the live workers, this one among them, in any order.
    ///   - worker: whose share is wanted.
    /// - Returns: 0 if the worker is not in the list.
    static func share(of worker: String, among workers: some Sequence<String>, totalSegments: Int) -> Int {
        let sorted = Set(workers).sorted()
        guard let rank = sorted.firstIndex(of: worker) else { return 0 }
        return share(ofRank: rank, workers: sorted.count, totalSegments: totalSegments)
    }

    /// The share of the worker at a place of the sorted list, from 0.
    static func share(ofRank rank: Int, workers: Int, totalSegments: Int) -> Int {
        totalSegments / workers + (rank < totalSegments % workers ? 1 : 0)
    }
}

/// What a worker should do about its share of a consumer's segments.
struct RebalancePlan: Equatable {
    /// How many more segments to claim, of those that nobody owns.
    var claim = 0
    /// The segments to give up.
    var release: [Int] = []

    /// - Parameters:
    ///   - owned: the segments this worker owns.
    ///   - unowned: how many nobody owns.
    ///   - share: how many this worker should own.
    init(owned: Set<Int>, unowned: Int, share: Int) {
        if owned.count > share {
            // The highest go, so that workers that come and go disturb the same few segments.
            release = Array(owned.sorted().suffix(owned.count - share))
        } else {
            claim = min(share - owned.count, unowned)
        }
    }

    var isEmpty: Bool { claim == 0 && release.isEmpty }
}
