// Package indicator computes what an authority may publish about its cooperation: the indicators of the UNODC Framework for
// Action, as fixed tables with the rules of publication applied. It is pure: no clock, no I/O, no database.
//
// The rules: whole quarters that are over; fixed tables of two dimensions at most; ages in bands; every count under 10
// suppressed, and so many more with it that none of them can be reckoned back from rows, columns and totals; whatever is
// shown rounded to 5. They are applied to every table of counts. There is no way to ask for one without them.
//
// They look at one table of one period. Who lays tables or periods beside each other (a year and three of its quarters) is
// held up by the rounding alone: publish the same periods every time.
//
// It trusts the caller for the facts of each case. It must never see a name, a document or a text, nor anything of asylum,
// protection or reviews: a Case has no place for them. What it returns is for this State's own publications; the broker and
// peers compute nothing and are shown nothing.
package indicator
