package import EventSourcing

/// What is done to a JSON payload before it is sent, as it was written: pointers name places in the payload as it is stored.
package struct ProjectionSteps: Sendable, Hashable {
    package enum Step: String, Sendable, CaseIterable {
        case keep, drop, rename, mask, hash
    }

    /// All that is kept; empty for everything.
    package var keep: [JSONPointer] = []
    package var drop: [JSONPointer] = []
    /// The new names of members, by where they are.
    package var rename: [(pointer: JSONPointer, name: String)] = []
    package var mask: [JSONPointer] = []
    package var hash: [JSONPointer] = []

    package init() {}

    package static func == (one: ProjectionSteps, other: ProjectionSteps) -> Bool {
        Step.allCases.allSatisfy { one.pointers(of: $0) == other.pointers(of: $0) }
            && one.rename.map(\.name) == other.rename.map(\.name)
    }

    package func hash(into hasher: inout Hasher) {
        for step in Step.allCases { hasher.combine(pointers(of: step)) }
        hasher.combine(rename.map(\.name))
    }

    func pointers(of step: Step) -> [JSONPointer] {
        switch step {
        case .keep: keep
        case .drop: drop
        case .rename: rename.map(\.pointer)
        case .mask: mask
        case .hash: hash
        }
    }

    package var isEmpty: Bool { Step.allCases.allSatisfy { pointers(of: $0).isEmpty } }

    /// So many members can be renamed at most.
    static let mostRenamed = 64

    /// The step that takes a place, or a part of what is there, out of the value or makes it unreadable; `nil` where it stays.
    package func concealing(_ pointer: JSONPointer) -> Step? {
        let path = pointer.path
        for step in Self.replacing {
            for other in pointers(of: step).map(\.path) where path.starts(with: other) || other.starts(with: path) {
                return step
            }
        }
        return keep.isEmpty || keep.contains { path.starts(with: $0.path) } ? nil : .keep
    }

    // MARK: Contradictions

    /// A step that another one contradicts, or that means nothing.
    package struct Contradiction: Error, Sendable, Hashable {
        package let step: Step
        /// What is wrong and what to do, to follow the step's name.
        package let text: String
    }

    /// What contradicts what; empty for steps that can be done.
    package var contradictions: [Contradiction] {
        var found: [Contradiction] = []
        for step in Step.allCases {
            var seen: Set<[[UInt8]]> = []
            for pointer in pointers(of: step) {
                if pointer.tokens.isEmpty {
                    found.append(.init(step: step, text: "names the whole payload; name places in it, as in /customer"))
                } else if !seen.insert(pointer.path).inserted {
                    found.append(.init(step: step, text: "names \(pointer) more than once"))
                }
            }
        }
        if rename.count > Self.mostRenamed {
            found.append(
                .init(
                    step: .rename, text: "names \(rename.count) members, and at most \(Self.mostRenamed) can be renamed"
                ))
        }
        found += overlaps + unkept + badNames
        return found
    }

    /// Steps after which nothing of a value is left as it was.
    private static let replacing: [Step] = [.drop, .mask, .hash]

    /// Places that a step has replaced, or removed, before another one comes to them.
    private var overlaps: [Contradiction] {
        var found: [Contradiction] = []
        for replacing in Self.replacing {
            for outer in pointers(of: replacing) where !outer.tokens.isEmpty {
                for step in Step.allCases {
                    for inner in pointers(of: step) where inner.path.starts(with: outer.path) {
                        let isSame = inner.path.count == outer.path.count
                        if isSame {
                            // A member that is kept or renamed can be masked or hashed.
                            if step == replacing || replacing != .drop && (step == .keep || step == .rename) {
                                continue
                            }
                            // Told once for the two.
                            if Self.replacing.contains(step), step.rawValue < replacing.rawValue { continue }
                            found.append(
                                .init(
                                    step: step,
                                    text:
                                        "names \(inner), which \"\(replacing.rawValue)\" names too; remove one of them")
                            )
                        } else {
                            found.append(
                                .init(
                                    step: step,
                                    text:
                                        "names \(inner), which is in \(outer), of which \"\(replacing.rawValue)\" leaves nothing"
                                ))
                        }
                    }
                }
            }
        }
        return found
    }

    private var unkept: [Contradiction] {
        if keep.isEmpty { return [] }
        var found: [Contradiction] = []
        for step in Step.allCases where step != .keep {
            for pointer in pointers(of: step) {
                let isKept = keep.contains { kept in
                    pointer.path.starts(with: kept.path) || step == .rename && kept.path.starts(with: pointer.path)
                }
                if isKept || overlapsKept(pointer, step) { continue }
                found.append(
                    .init(
                        step: step,
                        text: "names \(pointer), which \"keep\" leaves out; add it to \"keep\", or remove it"))
            }
        }
        return found
    }

    /// Whether it was reported already, as the outer one of two.
    private func overlapsKept(_ pointer: JSONPointer, _ step: Step) -> Bool {
        Self.replacing.contains(step) && keep.contains { $0.path.starts(with: pointer.path) }
    }

    private var badNames: [Contradiction] {
        var found: [Contradiction] = []
        var targets: Set<[[UInt8]]> = []
        for (pointer, name) in rename where !pointer.tokens.isEmpty {
            let target = Array(pointer.path.dropLast()) + [Array(name.utf8)]
            func report(_ text: String) { found.append(.init(step: .rename, text: text)) }
            if target == pointer.path {
                report("gives \(pointer) the name that it has")
                continue
            }
            if !targets.insert(target).inserted {
                report("gives two members of one object the name \(name)")
                continue
            }
            for step in Step.allCases {
                for other in pointers(of: step) where other.path.starts(with: target) {
                    // What is dropped makes room.
                    if step == .drop, other.path.count == target.count { continue }
                    report(
                        "calls \(pointer) \(name), and \"\(step.rawValue)\" names \(other): places are those of the payload as "
                            + "it is stored; choose another name, or drop the other member")
                }
            }
        }
        return found
    }
}

extension JSONPointer {
    /// The tokens as bytes: texts that look alike are not the same.
    var path: [[UInt8]] { tokens.map { Array($0.utf8) } }
}
