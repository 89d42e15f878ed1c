/// Why a job is not made, run or changed.
package enum JobError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknown(String)
    case exists(String, differences: [String])
    case cancelled(String)
    case done(String)
    /// It has not come to its end.
    case unfinished(String, word: String)
    /// Another process runs it.
    case taken(String, owner: String)
    /// Another process took it over while this one had lost the database.
    case lost(String, owner: String)
    case reversed(from: Int64, to: Int64)
    case notYetThere(Int64, last: Int64)
    case unsettled(holders: [String])
    /// Rows of the range were removed by retention.
    case pruned(through: Int64)

    package var description: String {
        switch self {
        case .unknown(let name): "there is no job \(name), see `godwit jobs`; to make it, give a consumer and a range"
        case .exists(let name, let differences):
            "the job \(name) exists and is another one (\(differences.joined(separator: ", "))); "
                + "`godwit jobs resume \(name)` goes on with it; or choose another name"
        case .cancelled(let name): "the job \(name) was cancelled; `godwit jobs again \(name)` makes another like it"
        case .done(let name):
            "the job \(name) is done; `godwit jobs again \(name)` publishes the same again, as another job"
        case .unfinished(let name, let word):
            "the job \(name) is \(word), and has not come to its end: resume it, or cancel it first"
        case .taken(let name, let owner):
            "the job \(name) is being run by \(owner); `godwit jobs watch \(name)` follows it, `godwit jobs stop \(name)` stops it"
        case .lost(let name, let owner):
            "the job \(name) was taken over by \(owner) while the database was away; it goes on there"
        case .reversed(let from, let to):
            "the range is reversed: it begins at position \(from) and ends at \(to); exchange the two"
        case .notYetThere(let position, let last):
            "position \(position) does not exist yet, the last is \(last); a job's range ends in the past: "
                + "leave the end out to take everything there is now"
        case .pruned(let through):
            "rows up to position \(through) were removed by retention, and cannot be published again: give --from-position "
                + "\(through + 1), or a later one"
        case .unsettled(let holders):
            "it cannot be said yet which events there will be, because of open transactions that write events: "
                + (holders.isEmpty ? "try again" : holders.joined(separator: "; "))
        }
    }
}
