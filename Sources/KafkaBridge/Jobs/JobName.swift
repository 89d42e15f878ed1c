/// What a job can be called. It is in headers, client ids, paths and command lines.
package enum JobName {
    /// Longer names would cost every record.
    static let longest = 100

    /// Whether the text is fit for a job's name.
    package static func isValid(_ text: String) -> Bool {
        // The last two mean something in a path.
        guard let first = text.first, first != "-", text != ".", text != ".." else { return false }
        return text.utf8.count <= longest && text.allSatisfy { TopicName.isLegal($0) }
    }

    /// The name without the number of its repetition: `january` of `january-3`.
    package static func stem(of name: String) -> String {
        guard let dash = name.lastIndex(of: "-"), dash != name.startIndex,
            let number = Int(name[name.index(after: dash)...]), (2...999).contains(number),
            name[name.index(after: dash)...] == "\(number)"
        else { return name }
        return String(name[..<dash])
    }

    /// The first free name of those that follow: `january-2`, `january-3` and so on.
    package static func next(after name: String, taken: Set<String>) -> String {
        let stem = stem(of: name)
        var number = 2
        while true {
            let suffix = "-\(number)"
            let candidate = String(stem.prefix(longest - suffix.utf8.count)) + suffix
            if !taken.contains(candidate) { return candidate }
            number += 1
        }
    }
}
