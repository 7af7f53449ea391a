package main

import (
	"fmt"
	"log/slog"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"comity/cmd/comity/bench"
)

func benchCommand() *cobra.Command {
	o := bench.Options{}
	asJSON, verbose := false, false
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure messages a second and the time to the verified receipt, beside what the machine could do at best",
		Long: `Runs a broker and two agents in this process, in a temporary folder, with the settings that keep promises: every commit
synced, TLS, validation, policy with register and scanner, approval by a second person. It sends messages one at a time and
then with many senders at once, each waiting for the receipt of its last one, and measures beside them, on the same disk,
what the broker's log, the cryptography and the database can do alone. Progress goes to standard error.

A run of no more than 5,000 messages ends within 45 s: where the machine is too slow for all of them, it stops sending in
time, and the report says how many it sent. --within sets another limit.

A disk or a neighbour that is slow today is slow for the ceilings too: compare the ratios.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Messages <= bench.DefaultMessages && !cmd.Flags().Changed("within") {
				o.Within = bench.DefaultWithin
			}
			o.Progress, o.Log = cmd.ErrOrStderr(), slog.New(slog.DiscardHandler)
			if verbose {
				o.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			}
			var err error
			if o.Extractor, err = extractor(); err != nil {
				return err
			}
			report, err := bench.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.MarshalWrite(cmd.OutOrStdout(), report, jsontext.WithIndent("  "))
				fmt.Fprintln(cmd.OutOrStdout())
			} else {
				err = report.Print(cmd.OutOrStdout())
			}
			if err == nil && report.Lost+report.Doubled > 0 {
				err = fmt.Errorf("bench: %d messages lost, %d doubled", report.Lost, report.Doubled)
			}
			return err
		},
	}
	cmd.Flags().IntVar(&o.Messages, "messages", bench.DefaultMessages, "messages of the steady load")
	cmd.Flags().IntVar(&o.Size, "size", bench.DefaultSize, "bytes of each payload")
	cmd.Flags().IntVar(&o.Senders, "senders", bench.DefaultSenders, "senders at the same time, each with one message under way")
	cmd.Flags().DurationVar(&o.Within, "within", 0, "end within this time, with fewer messages where it is short; 0 is as long as it takes (default 45s up to 5000 messages)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log what happens to standard error")
	return cmd
}
