/// Where reading a partition begins.
package enum ReadStart: Sendable, Equatable {
    case beginning
    case end
    case offset(Int64)
    /// The first record that is not older, in milliseconds since 1970.
    case timestamp(Int64)
}
