# SPDX-License-Identifier: Apache-2.0

# ociadmin du: what each repository has for itself, what it shares, and what
# garbage collection would free.  The last is compared with a real run.

use OCI::Test;

use File::Path qw(make_path);
use JSON::PP ();
use OCI::Admin;

# The commands end as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $server = OCI::Server->start(config => 'OCIGCInterval 0');
my $client = OCI::Client->new($server);
my $store = $server->store;
my $on_fs = $server->index eq 'fs';
my @stores = store_options($server);

sub du { return ociadmin('du', @_, @stores) }

# The JSON objects: the repositories by name, and the last line.
sub usage {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = du('--json', @_);
    is("$run->{status}$run->{err}", 0, "du --json @_");
    my @lines = map { JSON::PP::decode_json($_) } split /\n/, $run->{out};
    my $sum = pop @lines;
    return ({ map { $_->{name} => $_ } @lines }, $sum);
}

# One test: these numbers.
sub usage_is {
    my ($got, $name, %wanted) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply({ map { $_ => $got->{$_} } keys %wanted }, \%wanted, $name);
}

sub refused {
    my ($sentence, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = ociadmin('du', @words);
    ok($run->{status} == 2 && $run->{err} =~ $sentence, "du @words")
        or diag($run->{err});
    return;
}

refused(qr/du takes a blob store/);
refused(qr/cannot use the option '--recursive': du has --store/, '--recursive',
    @stores);
refused(qr/du does not expect the argument 'a'/, 'a', @stores);

status_is($client->get('/v2/'), 200);
my ($repositories, $sum) = usage();
is_deeply($repositories, {}, 'an empty registry');
usage_is($sum, 'has nothing', repositories => 0, own => 0, shared => 0,
    garbage => 0, freed => 0, stored => { blobs => 0, bytes => 0 });

# Of each repository: what only it holds, and what others hold as well.
my ($one, $two, $three) = map { $_->[0] x $_->[1] }
    [ 'a', 10_000 ], [ 'b', 2_000 ], [ 'c', 300 ];
$client->push_image('team/a', 'v1', config => '{"a":1}',
    layers => [ $one, $two, $three ]);
$client->push_image('team/a', 'v2', config => '{"a":2}', layers => [$one]);
$client->push_image('team/b', 'v1', config => '{"b":1}', layers => [ $two, 'x' ]);
$client->push_image('other/c', 'v1', config => '{"c":1}',
    layers => [ $two, $three ]);
my $long = 'long digest';
$client->push_blob('other/c', $long, 'sha512');
$client->push_blob('team/b', $long, 'sha512');
my $garbage = 'g' x 777;
$client->push_blob('team/b', $garbage);

subtest 'each repository' => sub {
    ($repositories, $sum) = usage();
    usage_is($repositories->{'team/a'}, 'team/a', own => 10_000 + 14,
        shared => 2_300, garbage => 0, blobs => 5, manifests => 2, tags => 2);
    usage_is($repositories->{'team/b'}, 'team/b', own => 7 + 1 + 777,
        shared => 2_000 + length $long, garbage => 777, blobs => 5,
        manifests => 1, tags => 1);
    usage_is($repositories->{'other/c'}, 'other/c', own => 7,
        shared => 2_300 + length $long, garbage => 0, blobs => 4, manifests => 1,
        tags => 1);
    like($repositories->{'other/c'}{lastPush}, qr/\A\d{4}-\d\d-\d\dT[\d:]+Z\z/,
        'the time of the last push');
    my $bytes = 10_000 + 2_000 + 300 + 4 * 7 + 1 + 777 + length $long;
    usage_is($sum, 'the sum', repositories => 3, blobs => 14, manifests => 4,
        tags => 4, garbage => 777, freed => 777 + length $long,
        stored => { blobs => 10, bytes => $bytes });
    cmp_ok($sum->{disk}{blobs}, '>=', $bytes, 'on the disk it is not less');
};

subtest 'in columns' => sub {
    my $run = du();
    is("$run->{status}$run->{err}", 0, 'du');
    like($run->{out}, qr{\A
        \ \ OWN\ \ SHARED\ \ GARBAGE\ \ MANIFESTS\ +TAGS\ \ LAST\ PUSH\ +REPOSITORY\n
        \ +7B\ +2\.3K\ +0B\ +1\ +1\ \ \S+\ \ other/c\n
        \ +9\.8K\ +2\.2K\ +0B\ +2\ +2\ \ \S+\ \ team/a\n
        \ +785B\ +2\.0K\ +777B\ +1\ +1\ \ \S+\ \ team/b\n
        \ +\S+\ +\S+\ +777B\ +4\ +4\ \ \S+\ \ total\ of\ 3\n
        \n10\ blobs,\ 13K,\ each\ of\ them\ counted\ once\n
        \S+\ on\ the\ disk\ in\ blobs/,\ \S+\ in\ uploads/\n
        garbage\ collection\ would\ free\ 788B\ after\ its\ grace:\n}x, 'sorted') or diag($run->{out});
    my %ends = map { /^(.*Z  )/ ? (length $1 => 1) : () } split /\n/, $run->{out};
    is(scalar keys %ends, 1, 'and aligned');
};

subtest '--repository' => sub {
    my ($some, $total) = usage('--repository', 'team/*');
    is_deeply([ sort keys %$some ], [qw(team/a team/b)], 'those that match');
    is_deeply($some->{$_}, $repositories->{$_}, "$_ is the same") for keys %$some;
    usage_is($total, 'their sum', repositories => 2, garbage => 777,
        stored => undef, disk => undef, freed => undef);
    unlike(du('--repository', 'team/*')->{out}, qr/on the disk/,
        'and no figures of the store');
};

# What du says is freed is what garbage collection frees.
subtest 'garbage' => sub {
    my $manifest = $client->get('/v2/team/a/manifests/v1')
        ->header('Docker-Content-Digest');
    $client->delete("/v2/team/a/manifests/$manifest");
    my $location = $client->start_upload('team/a');
    $client->patch($location, 'u' x 20_000);
    age_uploads($store);
    my (undef, $before) = usage();
    cmp_ok($before->{freed} - 777 - 7 - length $long, '>=', 20_000,
        'an idle upload counts');
    is($before->{garbage}, 777 + 7, 'and the config of the deleted manifest');
    my $run = gc($server, '--grace', 0);
    is($run->{report}{bytes}, 777 + 7 + 20_000 + length $long, 'gc frees this');
    my (undef, $after) = usage();
    usage_is($after, 'then there is none', garbage => 0, freed => 0);
    is($before->{stored}{bytes} - $after->{stored}{bytes}, 777 + 7 + length $long,
        'and less is stored');
    $client->delete('/v2/team/b/blobs/' . digest_of('x'));
    (undef, $after) = usage();
    usage_is($after, 'a blob that nobody holds', garbage => 0, freed => 1);
    is(gc($server)->{report}{bytes}, 1, 'goes');
};

if ($on_fs) {
    subtest 'damage' => sub {
        my $digest = digest_of('no record');
        my $held = digest_of('no holder');
        set_fact($store, "blob/$held", '123;blobs/none');
        set_fact($store, "repo/team/a/_blob/$digest", '');
        set_fact($store, "holder/" . substr($digest, 7, 2) . "/$digest,"
            . substr(digest_of('team/a'), 7, 32), 'team/a');
        set_fact($store, 'holder/00/junk', 'x');
        set_fact($store, 'blob/sha257:junk', 'x');
        set_fact($store, 'blob/sha256:junk', 'x');
        give_to_httpd($store);
        my ($each, $total) = usage();
        is($total->{freed}, 123, 'a record without a holder');
        is($each->{'team/a'}{blobs}, $repositories->{'team/a'}{blobs} - 2,
            'a blob without a record counts');
        my $manifest = $client->get('/v2/other/c/manifests/v1')
            ->header('Docker-Content-Digest');
        set_fact($store, "repo/other/c/_manifest/$manifest", "a\nb");
        set_fact($store, 'review/other/c!', '');
        give_to_httpd($store);
        my $run = du();
        is($run->{status}, 1, 'a damaged manifest');
        like($run->{err}, qr{_manifest/$manifest\ is\ damaged.*\n
            ociadmin:\ 1\ repository\ with\ damaged\ manifests,}x,
            'is reported');
        like($run->{out}, qr{ other/c\n.* team/a\n.* team/b\n.*on the disk}s,
            'and the rest is printed');
    };
}

$server->stop;
done_testing;
