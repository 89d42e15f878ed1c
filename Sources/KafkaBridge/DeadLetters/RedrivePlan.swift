/// What to deliver of the events that were taken to be redriven. A pure value.
struct RedrivePlan: Sendable, Equatable {
    /// In order.
    let deliver: [Int64]
    /// The first that the store no longer has; nothing behind it may be delivered before an operator decides.
    let missing: Int64?
    /// Behind the missing one, or not read this time.
    let left: [Int64]

    /// - Parameters:
    ///   - taken: the positions, in order.
    ///   - read: those of the events that were read, in order: maybe not all, for the sake of memory, but from the first on.
    init(taken: [Int64], read: [Int64]) {
        let found = Set(read)
        let end = read.last ?? taken.first ?? 0
        if let index = taken.firstIndex(where: { $0 <= end && !found.contains($0) }) {
            deliver = Array(taken[..<index])
            missing = taken[index]
            left = Array(taken[(index + 1)...])
        } else {
            deliver = taken.filter { $0 <= end }
            missing = nil
            left = taken.filter { $0 > end }
        }
    }
}
