package agent

import (
	"context"

	"comity/agent/api"
	"comity/pki"
)

// Directory is what the States publish of their authorities, and how this one may write to each.
func (a *Agent) Directory(context.Context) (api.Directory, error) {
	view, now := a.trust.View(), a.now()
	directory := api.Directory{Authorities: []api.DirectoryEntry{}}
	for _, row := range view.Authorities() {
		entry := api.DirectoryEntry{
			ID: row.ID, Kind: row.Kind, Name: row.Name, Channels: row.Channels, Types: row.Types, Languages: row.Languages,
			Requires: row.Requires, DutyDesk: row.DutyDesk, Calendar: row.Calendar, TimeZone: row.TimeZone, Routes: []api.DirectoryRoute{},
		}
		for _, channel := range row.Channels {
			route := view.Route
			if row.Kind == pki.KindNotConnected {
				route = view.PaperRoute
			}
			if _, err := route(a.me, row.ID, channel, now); err == nil {
				entry.Routes = append(entry.Routes, api.DirectoryRoute{Channel: channel, Instruments: view.Instruments(a.me, row.ID, channel, now)})
			}
		}
		directory.Authorities = append(directory.Authorities, entry)
	}
	return directory, nil
}
