import Testing

/// The world changes under a running relay: each test makes one change and looks at the topic and at `godwit status`.
///
/// Either every committed event comes, or the change is refused by name and no event is passed over.
@Suite enum WorldChangeTests {}
