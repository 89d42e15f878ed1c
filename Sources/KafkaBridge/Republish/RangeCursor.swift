/// How far the reading of a range of positions has come, and which stretch of it is read next. A pure value.
///
/// Stretches grow while little is found in them, so that a range with few selected events takes few statements, and one
/// statement never runs for long.
package struct RangeCursor: Sendable {
    /// Everything selected up to here was read.
    package private(set) var position: Int64
    let through: Int64
    private var stretch: Int64
    private let longest: Int64

    package init(after position: Int64, through: Int64, stretch: Int64 = 10_000, longest: Int64 = 1_000_000) {
        self.position = position
        self.through = through
        self.stretch = max(1, stretch)
        self.longest = max(longest, stretch)
    }

    package var isAtEnd: Bool { position >= through }

    /// The last position of the next stretch.
    package var end: Int64 { through - position <= stretch ? through : position + stretch }

    /// Takes in a read of the stretch.
    ///
    /// - Parameters:
    ///   - last: the last row's position, `nil` if there was none.
    ///   - isComplete: whether the stretch held no more than was read.
    package mutating func took(last: Int64?, isComplete: Bool) {
        if isComplete {
            position = end
            stretch = min(longest, stretch * 2)
        } else {
            position = max(position, last ?? position)
        }
    }
}
