/// In which portions a segment's events of one batch are handled, each in a transaction of its own: all at once, unless one
/// is in the way, which is then narrowed down. A pure value.
struct Portions: Sendable {
    /// Behind what is done; the next portion last.
    private var portions: [Range<Int>]

    /// So many events, counted from 0.
    init(count: Int) {
        portions = count > 0 ? [0..<count] : []
    }

    /// The events to handle next, never empty; `nil` when all are done.
    var next: Range<Int>? { portions.last }

    /// Notes that the next portion was handled.
    mutating func handled() {
        portions.removeLast()
    }

    /// Notes that the next portion failed, so that those before the event come next, by themselves.
    ///
    /// - Parameter event: the event that failed, counted as the portions are; `nil` if that is not known, in which case the
    ///   portion is halved.
    /// - Returns: the event that is in the way, once nothing is left before it.
    mutating func failed(at event: Int?) -> Int? {
        guard let portion = portions.last else { return nil }
        let cut = event ?? (portion.lowerBound + portion.count / 2)
        if portion.count == 1 || cut <= portion.lowerBound { return portion.lowerBound }
        let rest = min(cut, portion.upperBound - 1)..<portion.upperBound
        portions[portions.count - 1] = rest
        portions.append(portion.lowerBound..<rest.lowerBound)
        return nil
    }
}
