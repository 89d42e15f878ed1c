/// Finds what a person who mistyped a name meant.
package enum NearestName {
    /// The candidate with the fewest slips of the finger from the name; nil when none is near.
    package static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        let typed = normalized(name)
        let best = candidates.map { (name: $0, distance: distance(typed, normalized($0))) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        guard let best, best.distance <= max(1, typed.count / 3) else { return nil }
        return best.name
    }

    /// Hyphens, case and camel case are no difference that anybody means.
    private static func normalized(_ name: String) -> [Character] {
        Array(name.lowercased().filter { $0 != "-" && $0 != "_" })
    }

    /// How many insertions, deletions, replacements and swaps of neighbours lead from one to the other.
    package static func distance(_ first: [Character], _ second: [Character]) -> Int {
        guard !first.isEmpty, !second.isEmpty else { return max(first.count, second.count) }
        var beforeLast: [Int] = []
        var last = Array(0...second.count)
        for row in 1...first.count {
            var current = [row]
            for column in 1...second.count {
                let same = first[row - 1] == second[column - 1]
                var cost = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (same ? 0 : 1))
                if row > 1, column > 1, first[row - 1] == second[column - 2], first[row - 2] == second[column - 1] {
                    cost = min(cost, beforeLast[column - 2] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[second.count]
    }
}
