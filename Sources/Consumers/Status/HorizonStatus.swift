/// Where the settled horizon stands, as far as it is known without asking the database.
package struct HorizonStatus: Sendable {
    package let position: Int64
    /// The highest position seen or drawn.
    package let latest: Int64
    /// How long it has waited for an open transaction; `nil` if it does not.
    package let waiting: Duration?
}
